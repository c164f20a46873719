/** policy.yaml, strictly: each fault with the line it is in. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isMap, isNode, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import { HospitalError } from '../errors.js';
import { policySchema, type Policy } from './schema.js';

export const policyFile = (home: string): string => join(home, 'policy.yaml');

/** A policy is a page; whatever is larger is not one. */
const SIZE_MAX_BYTES = 65_536;

/**
 * @returns undefined where the hospital has none.
 * @throws {@link HospitalError} `POLICY_INVALID`, with the line; also for a file that other users may write.
 */
export async function readPolicy(home: string): Promise<Policy | undefined> {
  const file = policyFile(home);
  let text: string;
  try {
    const { mode, size } = await stat(file);
    if (process.platform !== 'win32' && (mode & 0o022) !== 0) {
      throw new HospitalError('POLICY_INVALID', 'policy.yaml can be written by other users: chmod 600 it');
    }
    if (size > SIZE_MAX_BYTES) throw new HospitalError('POLICY_INVALID', 'policy.yaml is larger than 64 KiB');
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return parsePolicy(text);
}

/** @throws {@link HospitalError} `POLICY_INVALID`: every fault, each with its line. */
export function parsePolicy(text: string): Policy {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineAt = (offset: number): number => lines.linePos(offset).line;
  const syntax = document.errors.map(({ code, pos }) =>
    fault(lineAt(pos[0]), `not YAML as it is needed here (${code})`),
  );
  if (syntax.length > 0) throw invalid(syntax);
  const parsed = policySchema.safeParse(plain(document));
  if (parsed.success) return parsed.data;
  throw invalid(
    parsed.error.issues.flatMap((issue) => {
      const field = issue.path.map(String).join('.');
      if (issue.code === 'unrecognized_keys') {
        return issue.keys.map((key) => fault(lineAt(offsetOf(document, [...issue.path, key])), `${key}: unknown key`));
      }
      const isMissing = issue.path.length > 0 && !document.hasIn(issue.path);
      const line = lineAt(offsetOf(document, issue.path));
      return [isMissing ? fault(line, `${field}: missing`) : fault(line, `${field}: ${issue.message}`)];
    }),
  );
}

function plain(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    throw invalid([fault(1, 'aliases are not allowed')]);
  }
}

/** Of the key where there is one: a fault in a list begins on the line that names it. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
  const last = path.at(-1);
  if (isMap(parent)) {
    const pair = parent.items.find(({ key }) => isScalar(key) && key.value === last);
    if (pair !== undefined && isNode(pair.key)) return pair.key.range?.[0] ?? 0;
  }
  const node = document.getIn(path, true) ?? parent;
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

const fault = (line: number, message: string): string => `line ${line}: ${message}`;

const invalid = (faults: readonly string[]): HospitalError =>
  new HospitalError('POLICY_INVALID', `policy.yaml ${faults.join('; ')}`);
