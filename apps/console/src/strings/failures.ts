/** Failures that this page can say better than their message: by the stable code. */
export const failures: Readonly<Record<string, string>> = {
  UNAUTHORIZED: 'Your session has ended. Sign in again; nothing was lost.',
  FORBIDDEN: 'Your role does not allow this. Ask an owner of this console.',
  RATE_LIMITED: 'Too many attempts. Wait a minute, then try again.',
  RUN_UNKNOWN: 'There is no run of this name. It may be spelled differently: look at the list of runs.',
  RUN_ENDED: 'This run has ended in the meantime: nothing was changed.',
  RUN_EXISTS: 'There is a run of this name already. A run is never changed or repeated: choose another name.',
  MODEL_UNKNOWN: 'The model of this round was not kept.',
  STORE_UNAVAILABLE: 'The coordinator cannot write to its store. Look at its log and its disk.',
  NOT_LEADING: 'Another coordinator has taken over. This page tries again by itself.',
  INTERNAL: 'The request failed inside the coordinator. Its log says why.',
};
