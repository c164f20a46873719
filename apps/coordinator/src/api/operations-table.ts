/** Every operation of the API: what it needs, takes, answers and may be refused for. A test holds the routes to it. */
import { z } from 'zod';
import {
  activityExportQuery,
  activityPage,
  activityQuery,
  approveHospital,
  changePassword,
  eventPage,
  eventsQuery,
  followLink,
  followWelcome,
  hospitalSchema,
  invitationView,
  issuedInvitation,
  linkView,
  modelQuery,
  newInvitation,
  newOperator,
  newToken,
  operatorChange,
  operatorView,
  operatorWithLink,
  runCheck,
  revokeByFile,
  revokeHospital,
  rosterView,
  runDetail,
  runFileSchema,
  runResults,
  runSummary,
  sessionView,
  setUp,
  signIn,
  signInWays,
  tokenView,
  tokenWithSecret,
  type Permission,
} from '@consilium/operator-api';
import type { ApiCode } from './api-error.js';

export interface Operation {
  readonly summary: string;
  readonly needs: Permission | 'session' | 'nothing';
  /** Of a success; undefined: a file of the type named by `file`, or nothing. */
  readonly answer?: z.ZodType;
  readonly file?: string;
  readonly status?: number;
  readonly body?: z.ZodType;
  /** The body may be YAML as well. */
  readonly yaml?: boolean;
  readonly query?: z.ZodObject;
  readonly refusals?: readonly ApiCode[];
}

const decision = (summary: string): Operation => ({
  ...{ summary, needs: 'runs', answer: runDetail },
  refusals: ['RUN_UNKNOWN', 'RUN_ENDED', 'NOT_LEADING'],
});

const signingIn = (summary: string, body: z.ZodType, ...refusals: ApiCode[]): Operation => ({
  ...{ summary, needs: 'nothing', body, answer: sessionView },
  refusals: [...refusals, 'BODY_INVALID'],
});

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'GET /session': { summary: 'Who is signed in', needs: 'session', answer: sessionView },
  'GET /session/ways': { summary: 'How to sign in', needs: 'nothing', answer: signInWays },
  'POST /session': signingIn('Sign in with a password', signIn, 'SIGN_IN_FAILED', 'LOCKED_OUT'),
  'POST /session/setup': signingIn(
    'Make the first account, by the link that the first start printed',
    setUp,
    'LINK_INVALID',
  ),
  'POST /session/link': signingIn('Sign in by a one-time link', followLink, 'LINK_INVALID'),
  'POST /session/welcome': signingIn('Choose a password by a one-time link', followWelcome, 'LINK_INVALID'),
  'GET /session/oidc': {
    summary: 'Go to the OpenID provider',
    needs: 'nothing',
    status: 302,
    refusals: ['OIDC_FAILED', 'OIDC_OFF'],
  },
  'GET /session/oidc/callback': { summary: 'Come back from it', needs: 'nothing', status: 302 },
  'PUT /session/password': {
    ...{
      summary: 'Choose another password; all other sessions end',
      needs: 'session',
      body: changePassword,
      answer: sessionView,
    },
    refusals: ['SIGN_IN_FAILED', 'LOCKED_OUT', 'PASSWORD_ABSENT', 'BODY_INVALID'],
  },
  'DELETE /session': { summary: 'Sign out', needs: 'session', status: 204 },
  'GET /operators': { summary: 'Accounts', needs: 'audit', answer: z.array(operatorView) },
  'POST /operators': {
    ...{ summary: 'Make an account; its link chooses the password', needs: 'operators', body: newOperator },
    ...{ answer: operatorWithLink, status: 201, refusals: ['OPERATOR_EXISTS', 'BODY_INVALID'] },
  },
  'POST /operators/setup': {
    ...{ summary: 'Make the link that makes the first account; with the token of the home folder alone' },
    ...{ needs: 'operators', answer: linkView, refusals: ['SET_UP'] },
  },
  'PATCH /operators/{name}': {
    ...{
      summary: 'Change its role, disable it, enable it',
      needs: 'operators',
      body: operatorChange,
      answer: operatorView,
    },
    refusals: ['OPERATOR_UNKNOWN', 'LAST_OWNER', 'BODY_INVALID'],
  },
  'DELETE /operators/{name}': {
    ...{ summary: 'Remove an account, its sessions and its tokens', needs: 'operators', status: 204 },
    refusals: ['OPERATOR_UNKNOWN', 'LAST_OWNER'],
  },
  'POST /operators/{name}/reset': {
    ...{ summary: 'Make a link that chooses a new password', needs: 'operators', answer: operatorWithLink },
    refusals: ['OPERATOR_UNKNOWN', 'PASSWORD_ABSENT'],
  },
  'POST /operators/{name}/link': {
    ...{ summary: 'Make a one-time link that signs in; with the token of the home folder alone', needs: 'operators' },
    ...{ answer: operatorWithLink, refusals: ['OPERATOR_UNKNOWN'] },
  },
  'GET /tokens': { summary: 'API tokens', needs: 'audit', answer: z.array(tokenView) },
  'POST /tokens': {
    ...{ summary: 'Make an API token', needs: 'operators', body: newToken, answer: tokenWithSecret, status: 201 },
    refusals: ['TOKEN_EXISTS', 'BODY_INVALID'],
  },
  'DELETE /tokens/{name}': {
    ...{ summary: 'Revoke an API token', needs: 'operators', status: 204, refusals: ['TOKEN_UNKNOWN'] },
  },
  'GET /activity': {
    ...{ summary: 'What operators did and what runs were led by, newest first', needs: 'audit' },
    ...{ query: activityQuery, answer: activityPage, refusals: ['QUERY_INVALID'] },
  },
  'GET /activity/export': {
    ...{ summary: 'The same, all of it, oldest first, as JSON lines or CSV', needs: 'audit' },
    ...{ query: activityExportQuery, file: 'application/x-ndjson', refusals: ['QUERY_INVALID'] },
  },
  'GET /runs': { summary: 'All runs, newest first', needs: 'read', answer: z.array(runSummary) },
  'POST /runs': {
    summary: 'Sign the configuration of a run and begin it; the body is the run file',
    ...{ needs: 'runs', body: runFileSchema, yaml: true, answer: runDetail, status: 201 },
    refusals: ['RUN_FILE_INVALID', 'TOO_FEW_ENROLLED', 'RUN_EXISTS', 'NOT_LEADING'],
  },
  'POST /runs/check': {
    summary: 'What a run file would come to, and what hospitals would be asked to approve; nothing begins',
    ...{ needs: 'read', body: runFileSchema, yaml: true, answer: runCheck },
  },
  'GET /runs/{run}': { summary: 'One run', needs: 'read', answer: runDetail, refusals: ['RUN_UNKNOWN'] },
  'POST /runs/{run}/pause': decision('Finish the open round, begin no other'),
  'POST /runs/{run}/resume': decision('Go on after a pause'),
  'POST /runs/{run}/abort': decision('End the run now; its hospitals are told'),
  'GET /runs/{run}/events': {
    ...{ summary: 'The log of a run, oldest first', needs: 'read', query: eventsQuery, answer: eventPage },
    refusals: ['RUN_UNKNOWN', 'QUERY_INVALID'],
  },
  'GET /runs/{run}/results.json': {
    ...{ summary: 'Figures of all rounds', needs: 'read', answer: runResults, refusals: ['RUN_UNKNOWN'] },
  },
  'GET /runs/{run}/results.csv': {
    ...{ summary: 'The same rows as a table', needs: 'read', file: 'text/csv', refusals: ['RUN_UNKNOWN'] },
  },
  'GET /runs/{run}/model': {
    summary: 'The head after a round, of the best round so far, or of the last',
    ...{ needs: 'read', query: modelQuery, file: 'application/octet-stream' },
    refusals: ['RUN_UNKNOWN', 'MODEL_UNKNOWN', 'QUERY_INVALID'],
  },
  'GET /hospitals': {
    ...{ summary: 'Hospitals that have joined, in the order of their names', needs: 'read' },
    answer: z.array(hospitalSchema),
  },
  'POST /hospitals/{hospital}/approve': {
    ...{ summary: 'Its people and ours have compared the words: from the next run on it counts', needs: 'hospitals' },
    ...{ body: approveHospital, answer: hospitalSchema },
    refusals: ['HOSPITAL_UNKNOWN', 'NOT_PROVISIONAL', 'ROSTER_CHANGED', 'BODY_INVALID'],
  },
  'POST /hospitals/{hospital}/revoke': {
    ...{ summary: 'End its session and its part in every run from the next plan on', needs: 'hospitals' },
    ...{ body: revokeHospital, answer: hospitalSchema },
    refusals: ['HOSPITAL_UNKNOWN', 'HOSPITAL_REVOKED', 'BODY_INVALID'],
  },
  'POST /revocations': {
    ...{ summary: 'Revoke a hospital by what it signed itself', needs: 'hospitals' },
    ...{ body: revokeByFile, answer: hospitalSchema, refusals: ['REVOCATION_INVALID', 'BODY_INVALID'] },
  },
  'GET /roster': { summary: 'Who takes part, as the words that people compare', needs: 'read', answer: rosterView },
  'GET /invitations': { summary: 'Invitations, newest first', needs: 'read', answer: z.array(invitationView) },
  'POST /invitations': {
    ...{ summary: 'Invite a hospital: a file and a code, shown this once', needs: 'hospitals', status: 201 },
    ...{ body: newInvitation, answer: issuedInvitation },
    refusals: ['HOSPITAL_KNOWN', 'INVITATION_EXISTS', 'HOSPITAL_UNKNOWN', 'BODY_INVALID'],
  },
  'DELETE /invitations/{invitation}': {
    ...{ summary: 'Withdraw an invitation', needs: 'hospitals', status: 204, refusals: ['INVITATION_UNKNOWN'] },
  },
  'GET /openapi.json': { summary: 'This description', needs: 'read', file: 'application/json' },
};
