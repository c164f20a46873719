/** socket.io as a hospital has it, with the hand of the test on the line: what passes is real, and more may be said beside it. */
import { askingBy, socketNetwork, type Network } from '@consilium/hospital';
import type { RequestName } from '@consilium/protocol';
import type { RawAnswer } from './raw-hospital.js';

export interface Tap {
  /** Before that request goes out. @param ask - sends anything else over the same line; `CUT` when the line went away. */
  readonly asks?: (
    name: RequestName,
    request: object,
    ask: (name: RequestName, body: unknown) => Promise<RawAnswer>,
  ) => Promise<void>;
  /** @returns What the hospital takes for the answer. */
  readonly answered?: (name: RequestName, answer: unknown) => unknown;
  /** Instead of that statement. @param tell - hands it on, or anything else. */
  readonly told?: (input: unknown, tell: (input: unknown) => void) => void;
}

export function tappedNetwork({ asks, answered, told }: Tap): Network {
  const real = socketNetwork({});
  return {
    ...real,
    wire: (url, events) => {
      const wire = real.wire(url, {
        ...events,
        statement: (input) => {
          if (told === undefined) events.statement(input);
          else told(input, events.statement);
        },
      });
      const beside = async (name: RequestName, body: unknown): Promise<RawAnswer> => {
        try {
          return (await wire.ask(name, body as object)) as RawAnswer;
        } catch {
          return { ok: false, code: 'CUT' };
        }
      };
      return askingBy(async (name, request) => {
        await asks?.(name, request, beside);
        const answer = await wire.ask(name, request);
        return answered === undefined ? answer : answered(name, answer);
      }, wire);
    },
  };
}
