/** What a peer may make us hold or wait for. Everything that arrives is measured against these before it is parsed. */
export const limits = {
  /** A signed statement, envelope included. */
  statementBytes: 262_144,
  /** Three statements of each of 200 hospitals. */
  evidenceBytes: 1_048_576,
  /** The one statement that has a whole signed advert of each of 200 hospitals in it, whatever their names. */
  rosterBytes: 393_216,
  /** One socket.io message: a chunk and its frame. */
  messageBytes: 1_048_576,
  /** One chunk of a blob. */
  chunkBytes: 262_144,
  /** A head of 15 million float32 parameters and its seal. */
  blobBytes: 67_108_864,
  /** Statements that one synchronisation brings: at most seven of a run that is open, three of one that ended lately. */
  syncStatements: 256,
  hospitals: 200,
  /** An invitation with its signature. */
  invitationBytes: 16_384,
  /** Refused attempts of one member or invitation that are kept; more are only logged. */
  membershipRefusals: 50,
  labels: 1_000,
  rounds: 100_000,
  /** From the connection to the proof of identity. */
  handshakeMs: 10_000,
  /** The longest that a hospital waits before it tries to reach a coordinator again. */
  reconnectPauseMs: 15_000,
  /** Open connections from one address that have not proved who they are. */
  pendingConnections: 64,
  /** And from all addresses: more than hospitals that all come back at once. */
  pendingConnectionsOfAll: 512,
  /** Messages per second and session; a chunk counts as one. */
  messagesPerSecond: 2_000,
} as const;
