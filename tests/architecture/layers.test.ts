/**
 * Claims: the repository's own lint refuses an import that goes up a layer, sideways between mechanisms, to a project that
 * may see more, from any runtime to Node, or past the package name, in every form that an import has; it lets those pass
 * that architecture needs; and as the projects stand, none reaches patient data or updates that it may not see, at any
 * distance. Oracle: the table of architecture, written out here, and the packages' own manifests.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ESLint } from 'eslint';
import { beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const RULE = '@nx/enforce-module-boundaries';

let eslint: ESLint;
beforeAll(async () => {
  // As `npm run lint` does: the rule reads the graph of projects that this leaves.
  const nx = join(root, 'node_modules', 'nx');
  const { bin } = JSON.parse(await readFile(join(nx, 'package.json'), 'utf8')) as { bin: { nx: string } };
  await promisify(execFile)(process.execPath, [join(nx, bin.nx), 'show', 'projects', '--json'], { cwd: root });
  eslint = new ESLint({ cwd: root, ruleFilter: ({ ruleId }) => ruleId === RULE });
});

/** What lint says if a project's first file consisted of this one line. */
async function complaints(project: string, line: string): Promise<string[]> {
  const filePath = ['index.ts', 'main.ts'].map((name) => join(root, project, 'src', name)).find(existsSync);
  if (filePath === undefined) throw new Error(`${project} has no first file`);
  const [result] = await eslint.lintText(`${line}\n`, { filePath });
  return (result?.messages ?? []).map(({ ruleId, message }) => `${String(ruleId)}: ${message}`);
}

describe('lint refuses an import', () => {
  it.each([
    ['from the coordinator to images', 'apps/coordinator', '@consilium/imaging', /sees:updates/],
    ['from the coordinator to the hospital', 'apps/coordinator', '@consilium/hospital', /layer:app/],
    [
      'from the flow to images, through which the coordinator would reach them',
      'libs/rounds',
      '@consilium/imaging',
      /sees/,
    ],
    ['from the demonstration to updates', 'apps/demo', '@consilium/aggregation', /sees:nothing/],
    ['up, from a primitive to the vocabulary', 'libs/tensors', '@consilium/protocol', /layer:primitive/],
    ['up, from a mechanism to the flow', 'libs/head', '@consilium/rounds', /layer:mechanism/],
    ['between mechanisms that see the same', 'libs/backbone', '@consilium/imaging', /layer:mechanism/],
    ['from any runtime to Node', 'libs/protocol', '@consilium/crypto', /runs:any/],
  ])('%s', async (_, project, target, reason) => {
    const found = await complaints(project, `export * from '${target}';`);
    expect(found.join('\n')).toMatch(reason);
    expect(found.every((text) => text.startsWith(RULE))).toBe(true);
  });

  it.each([
    ['a value', `import { decodeImage } from '@consilium/imaging'; export const reach = decodeImage;`],
    ['a type', `import type { ManifestRow } from '@consilium/imaging'; export type Reach = ManifestRow;`],
    ['a side effect', `import '@consilium/imaging';`],
    ['a re-export', `export { decodeImage } from '@consilium/imaging';`],
    ['a later import', `export const reach = () => import('@consilium/imaging');`],
    ['a path', `export * from '../../../libs/imaging/src/index.js';`],
    ['a path to a part', `export * from '../../../libs/imaging/src/image.js';`],
  ])('written as %s', async (_, line) => {
    expect((await complaints('apps/coordinator', line)).join('\n')).toContain(RULE);
  });
});

describe('lint lets pass', () => {
  it.each([
    ['apps/hospital', '@consilium/imaging'],
    ['apps/coordinator', '@consilium/rounds'],
    ['apps/coordinator', '@consilium/aggregation'],
    ['apps/demo', '@consilium/phantom'],
    ['libs/rounds', '@consilium/protocol'],
    ['libs/protocol', '@consilium/bytes'],
  ])('%s -> %s', async (project, target) => {
    expect(await complaints(project, `export * from '${target}';`)).toEqual([]);
  });
});

interface Project {
  readonly name: string;
  readonly tags: readonly string[];
  readonly dependencies: readonly string[];
}

async function projects(): Promise<Project[]> {
  const folders = await Promise.all(
    ['apps', 'libs'].map(async (kind) => (await readdir(join(root, kind))).map((name) => join(kind, name))),
  );
  const manifests = [...folders.flat(), 'tests'].map((folder) => join(root, folder, 'package.json')).filter(existsSync);
  return Promise.all(
    manifests.map(async (file) => {
      const { name, nx, dependencies } = JSON.parse(await readFile(file, 'utf8')) as {
        name: string;
        nx?: { tags?: string[] };
        dependencies?: Record<string, string>;
      };
      return { name, tags: nx?.tags ?? [], dependencies: Object.keys(dependencies ?? {}) };
    }),
  );
}

const ours = (await projects()).filter(({ name }) => name !== '@consilium/tests');

describe('every project', () => {
  it.each(ours)('$name has one tag of each kind', ({ tags }) => {
    expect(tags.map((tag) => tag.split(':')[0])).toEqual(['layer', 'sees', 'runs']);
  });

  it('reaches nothing that it may not see, at any distance', () => {
    const SEES = ['sees:nothing', 'sees:updates', 'sees:patient-data'];
    const byName = new Map(ours.map((project) => [project.name, project]));
    const rank = ({ tags }: Project): number => Math.max(...tags.map((tag) => SEES.indexOf(tag)));
    const reach = (project: Project, seen = new Set<Project>()): Set<Project> => {
      for (const name of project.dependencies) {
        const next = byName.get(name);
        if (next === undefined || seen.has(next)) continue;
        seen.add(next);
        reach(next, seen);
      }
      return seen;
    };
    const pairs = ours.flatMap((project) => [...reach(project)].map((other) => [project, other] as const));
    expect(pairs.length).toBeGreaterThan(ours.length);
    for (const [from, to] of pairs) expect(rank(to), `${from.name} -> ${to.name}`).toBeLessThanOrEqual(rank(from));
  });
});
