/**
 * The live channel: socket.io, namespace `/console`, opened with the cookie of the session. It says only that something
 * changed; what it changed to is asked for over REST, where permissions hold.
 */
import { z } from 'zod';

export const LIVE_NAMESPACE = '/console';
/** The one event of the channel, from the coordinator to the page. */
export const CHANGED_EVENT = 'changed';

export const changedMessage = z.strictObject({
  topic: z.enum(['run', 'runs', 'hospitals', 'activity', 'operators']),
  id: z.string().optional().describe('of the run'),
});

export type ChangedMessage = z.infer<typeof changedMessage>;
