/** `consilium-hospital data sites`: what a folder of labelled images holds, before anything is computed. */
import { readDataset } from '@consilium/imaging';
import { groupBy } from '../learning/group-by.js';

export interface SiteList {
  readonly sites: readonly { readonly site: string; readonly images: number; readonly patients: number }[];
  readonly labels: readonly string[];
}

export async function listSites(folder: string): Promise<SiteList> {
  // An image that no table names has no label.
  const rows = (await readDataset(folder)).rows.filter(({ label }) => label !== undefined);
  // Without a site in its table a folder is one hospital's own, and there is nothing to choose.
  const ofSites = rows.filter(({ site }) => site !== undefined);
  const sites = [...groupBy(ofSites, ({ site }) => site ?? '')].map(([site, images]) => ({
    site,
    images: images.length,
    patients: new Set(images.map(({ patient }) => patient)).size,
  }));
  return {
    sites: sites.sort((a, b) => (a.site < b.site ? -1 : 1)),
    labels: [...new Set(rows.map(({ label }) => label ?? ''))].sort(),
  };
}
