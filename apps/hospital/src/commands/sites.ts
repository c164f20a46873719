/** `consilium-hospital data sites`: what a folder with a manifest holds, before anything is computed. */
import { readManifest } from '@consilium/imaging';
import { groupBy } from '../learning/group-by.js';

export interface SiteList {
  readonly sites: readonly { readonly site: string; readonly images: number; readonly patients: number }[];
  readonly labels: readonly string[];
}

export async function listSites(folder: string): Promise<SiteList> {
  const rows = await readManifest(folder);
  const sites = [...groupBy(rows, ({ site }) => site)].map(([site, images]) => ({
    site,
    images: images.length,
    patients: new Set(images.map(({ patient }) => patient)).size,
  }));
  return {
    sites: sites.sort((a, b) => (a.site < b.site ? -1 : 1)),
    labels: [...new Set(rows.map(({ label }) => label))].sort(),
  };
}
