/** What a route asks of who calls it. Every route says so; one that does not is refused to everybody. */
import { createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Permission } from '@consilium/operator-api';
import type { Caller } from './caller.js';
import type { PendingDeed } from './pending-deed.js';

export interface Recorded {
  /** As the activity calls it, such as `operator.add`. */
  readonly action: string;
  /** Fields of a JSON body that are written down: whom or what it is done to, and what is not secret of the rest. */
  readonly subject?: string;
  readonly shown?: readonly string[];
  /** The handler writes it down by {@link CurrentDeed}, because only it knows what is asked for. */
  readonly byHandler?: boolean;
}

export type Need =
  /** Anybody: health, and the ways to sign in. */
  | { readonly need: 'nothing' }
  /** Anybody who is signed in with a cookie: their own session. */
  | { readonly need: 'session'; readonly recorded?: Recorded }
  | { readonly need: Permission; readonly recorded?: Recorded | null };

export const NEED = Symbol('need');

/**
 * The permission that a route asks for, and, of one that changes something or hands something out, how it is written down
 * before it is done: `@Needs('hospitals', { action: 'hospital.approve' })`. Parameters `:run` and `:hospital` of the path
 * are written down by themselves, and `:name` as whom it is done to.
 */
export const Needs = (need: Permission, recorded?: Recorded | null) =>
  SetMetadata<symbol, Need>(NEED, { need, ...(recorded !== undefined && { recorded }) });

/** For a POST that only asks, such as whether a run file is right. */
export const CHANGES_NOTHING = null;

export const NeedsSession = (recorded?: Recorded) =>
  SetMetadata<symbol, Need>(NEED, { need: 'session', ...(recorded && { recorded }) });

export const ForAnybody = () => SetMetadata<symbol, Need>(NEED, { need: 'nothing' });

/** As the guard leaves it. */
export interface JudgedRequest extends IncomingMessage {
  readonly body?: unknown;
  readonly params?: Readonly<Record<string, string>>;
  caller?: Caller;
  deed?: PendingDeed;
}

const requestOf = (context: ExecutionContext): JudgedRequest => context.switchToHttp().getRequest<JudgedRequest>();

/** Who calls: of a route with a permission, somebody who has it. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext) => requestOf(context).caller);

export const CurrentDeed = createParamDecorator((_: unknown, context: ExecutionContext) => requestOf(context).deed);
