/** `preprocessing.json`: what has to happen to a file before the model sees it, in words and numbers. */
import type { Backbone } from '@consilium/backbone';
import { PREPROCESSING_VERSION } from '@consilium/imaging';

export const preprocessingText = ({ side, channelMean, channelStdDev }: Backbone): string =>
  `${JSON.stringify(
    {
      version: PREPROCESSING_VERSION,
      steps: [
        'decode; DICOM: first rescale and window as the file says, invert MONOCHROME1',
        'grey, 16 bits; alpha over black; no turning by EXIF, no colour profile',
        `the whole image stretched to ${side} x ${side} (Lanczos 3), not cropped, not padded`,
        'clip to its own percentiles 0.5 and 99.5, scale these to 0 and 1',
      ],
      input: {
        'model.onnx': { name: 'xray', type: 'float32', shape: ['n', 1, side, side], range: [0, 1] },
        'tfjs/model.json': { name: 'xray', type: 'float32', shape: ['n', side, side, 1], range: [0, 1] },
      },
      insideTheModel: { channelMean, channelStdDev },
    },
    null,
    2,
  )}\n`;
