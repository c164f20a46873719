/** Whether a graphics adapter is a program: Vulkan's software drivers pass the self-test and take 40 times longer than the processor's own engine. */
import { readdirSync, readlinkSync } from 'node:fs';

const GPU_DEVICE = /^\/dev\/(dri\/renderD\d+|nvidia\d+|dxg|kgsl-3d0|mali\d+)$/;

/** @param openFiles - what this process holds open while the adapter is in use. */
export const isSoftware = (openFiles: readonly string[]): boolean => !openFiles.some((path) => GPU_DEVICE.test(path));

/**
 * The runtime does not name its adapter, but a driver of hardware holds a device open. On other systems than Linux nobody
 * installs a software adapter by accident, and every one counts as hardware.
 *
 * @param platform - of this machine.
 */
export function usesSoftwareAdapter(platform: string = process.platform): boolean {
  if (platform !== 'linux') return false;
  const folder = '/proc/self/fd';
  const openFiles = readdirSync(folder).flatMap((descriptor) => {
    try {
      return [readlinkSync(`${folder}/${descriptor}`)];
    } catch {
      // The descriptor that listed the folder is closed by now.
      return [];
    }
  });
  return isSoftware(openFiles);
}
