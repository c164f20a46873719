"""Makes dicom.json: tiny DICOM files of every transfer syntax and tone, with the values that other programs read from them.

    pip install pydicom==3.0.2 numpy pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pyjpegls python-gdcm
    python dicom.py > dicom.json

Files are written by pydicom and compressed by GDCM; `stored` is what pydicom reads back with the libjpeg, OpenJPEG and
CharLS plug-ins (base64 of int32 little endian), and `grey` comes from its apply_modality_lut and apply_voi_lut, rescaled
to 0..65535 (uint16 little endian).
"""
import base64
import io
import json
import tempfile
from importlib.metadata import version

import gdcm
import numpy as np
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

ROWS, COLUMNS = 12, 17


def file(values, bits, signed=False, photometric="MONOCHROME2", syntax=ExplicitVRLittleEndian, **attributes):
    values = np.asarray(values)
    allocated = 8 if bits <= 8 else 16
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    ds.Modality, ds.PatientID, ds.AccessionNumber, ds.BodyPartExamined = "CR", "P-1", "A-1", "CHEST"
    ds.Rows, ds.Columns = values.shape[:2]
    ds.SamplesPerPixel = 3 if values.ndim == 3 else 1
    if values.ndim == 3:
        ds.PlanarConfiguration = 0
    ds.PhotometricInterpretation = photometric
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = allocated, bits, bits - 1
    ds.PixelRepresentation = int(signed)
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    ds.PixelData = values.astype(f"{order}{'i' if signed else 'u'}{allocated // 8}").tobytes()
    ds["PixelData"].VR = "OB" if allocated == 8 else "OW"
    for name, value in attributes.items():
        setattr(ds, name, value)
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def compressed(plain, syntax):
    with tempfile.NamedTemporaryFile(suffix=".dcm") as source, tempfile.NamedTemporaryFile(suffix=".dcm") as target:
        source.write(plain)
        source.flush()
        reader = gdcm.ImageReader()
        reader.SetFileName(source.name)
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
        change.SetInput(reader.GetImage())
        assert change.Change(), syntax
        writer = gdcm.ImageWriter()
        writer.SetFileName(target.name)
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        return open(target.name, "rb").read()


def grey(ds, stored):
    """Of the window or table in `ds`; pydicom scales to the range of the stored bits, which is undone here."""
    shown = np.asarray(apply_voi_lut(apply_modality_lut(stored, ds), ds), float)
    if "VOILUTSequence" in ds:
        low, high = 0, 2 ** ds.VOILUTSequence[0].LUTDescriptor[2] - 1
    else:
        bits = ds.ModalityLUTSequence[0].LUTDescriptor[2] if "ModalityLUTSequence" in ds else ds.BitsStored
        low = -(2 ** (bits - 1)) if ds.PixelRepresentation and "ModalityLUTSequence" not in ds else 0
        high = low + 2**bits - 1
        if "RescaleSlope" in ds:
            low, high = (edge * float(ds.RescaleSlope) + float(ds.RescaleIntercept) for edge in (low, high))
    shown = (shown - low) / (high - low)
    if ds.PhotometricInterpretation == "MONOCHROME1":
        shown = 1 - shown
    return np.rint(65535 * shown)


def packed(values, cell):
    return base64.b64encode(values.astype(cell).tobytes()).decode()


def vector(name, data, toned=False):
    ds = dcmread(io.BytesIO(data))
    stored = pixel_array(io.BytesIO(data), raw=True)
    made = {"name": name, "file": base64.b64encode(data).decode(), "stored": packed(stored, "<i4")}
    if toned:
        made["grey"] = packed(grey(ds, stored), "<u2")
    return made


def table(descriptor, entries):
    item = Dataset()
    item.LUTDescriptor = descriptor
    item.LUTData = entries
    item["LUTDescriptor"].VR, item["LUTData"].VR = ("SS" if descriptor[1] < 0 else "US"), "US"
    return Sequence([item])


rng = np.random.default_rng(20)
smooth = np.add.outer(np.arange(ROWS) * 40, np.arange(COLUMNS) * 37)


def noisy(bits, signed=False):
    values = (smooth * 2**bits // 1200 + rng.integers(0, 2**bits // 16, smooth.shape)) % 2**bits
    return values - 2 ** (bits - 1) if signed else values


colour = np.stack([noisy(8), 255 - noisy(8), noisy(8) // 2], axis=-1)
ten, twelve, eight, whole = noisy(10), noisy(12), noisy(8), noisy(16, True)
vectors = [
    vector("implicit", file(ten, 10, syntax=ImplicitVRLittleEndian)),
    vector("big endian", file(ten, 10, syntax=ExplicitVRBigEndian)),
    vector("big endian signed", file(whole, 16, True, syntax=ExplicitVRBigEndian)),
    vector("RLE", compressed(file(ten, 10), gdcm.TransferSyntax.RLELossless)),
    vector("JPEG lossless 14", compressed(file(twelve, 12), gdcm.TransferSyntax.JPEGLosslessProcess14)),
    vector("JPEG lossless 14 SV1", compressed(file(ten, 10), gdcm.TransferSyntax.JPEGLosslessProcess14_1)),
    vector("JPEG lossless 14 SV1, 8 bit", compressed(file(eight, 8), gdcm.TransferSyntax.JPEGLosslessProcess14_1)),
    vector("JPEG lossless 14 SV1, signed", compressed(file(whole, 16, True), gdcm.TransferSyntax.JPEGLosslessProcess14_1)),
    vector("JPEG-LS", compressed(file(twelve, 12), gdcm.TransferSyntax.JPEGLSLossless)),
    vector("JPEG-LS, 8 bit", compressed(file(eight, 8), gdcm.TransferSyntax.JPEGLSLossless)),
    vector("JPEG 2000", compressed(file(ten, 10), gdcm.TransferSyntax.JPEG2000Lossless)),
    vector("JPEG 2000, signed", compressed(file(whole, 16, True), gdcm.TransferSyntax.JPEG2000Lossless)),
    vector("JPEG lossless 14 SV1, colour", compressed(file(colour, 8, photometric="RGB"), gdcm.TransferSyntax.JPEGLosslessProcess14_1)),
    vector("JPEG-LS, colour", compressed(file(colour, 8, photometric="RGB"), gdcm.TransferSyntax.JPEGLSLossless)),
    vector("JPEG 2000, colour", compressed(file(colour, 8, photometric="RGB"), gdcm.TransferSyntax.JPEG2000Lossless)),
    vector("RLE, colour", compressed(file(colour, 8, photometric="RGB"), gdcm.TransferSyntax.RLELossless)),
    {**vector("JPEG baseline", compressed(file(eight, 8), gdcm.TransferSyntax.JPEGBaselineProcess1)), "lossy": True},
    vector("linear window", file(twelve, 12, WindowCenter="1900", WindowWidth="2100"), True),
    vector("exact window", file(twelve, 12, WindowCenter="1900", WindowWidth="2100", VOILUTFunction="LINEAR_EXACT"), True),
    vector("sigmoid", file(twelve, 12, WindowCenter="1900", WindowWidth="2100", VOILUTFunction="SIGMOID"), True),
    vector("rescaled window, inverted",
           file(noisy(12, True), 12, True, "MONOCHROME1", RescaleSlope="2", RescaleIntercept="-1024",
                WindowCenter="40", WindowWidth="3000"), True),
    vector("VOI table", file(ten, 10, VOILUTSequence=table([900, 50, 14], [i * i // 60 for i in range(900)])), True),
    vector("modality table and window",
           file(noisy(10, True), 10, True, WindowCenter="40000", WindowWidth="30000",
                ModalityLUTSequence=table([1024, -512, 16], [65535 - i * 60 for i in range(1024)])), True),
]
programs = {name: version(name) for name in ["pydicom", "python-gdcm", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg", "pyjpegls"]}
print(json.dumps({"made": "2026-11-22", "by": programs, "vectors": vectors}, indent=2))
