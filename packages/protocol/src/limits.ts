/** The limits a client can count on. Each has a refusal of its own or is part of an operation's input. */
export const limits = {
  /** Unicode code points. */
  messageCharacters: 10_000,
  mentionsPerMessage: 50,
  attachmentsPerMessage: 10,
  /** Different emoji on one message. */
  emojiPerMessage: 20,
  /** A message tells who reacted while it has at most so many reactions, in a conversation of at most so many members. */
  namedReactions: 1_000,
  /** Beyond that it names the first so many of each emoji, besides the count. */
  namedReactionsBeyond: 20,
  titleCharacters: 100,
  displayNameCharacters: 50,
  deviceNameCharacters: 100,
  urlCharacters: 2_000,
  accessTokenCharacters: 8_192,
  /** Of a user or a session, as an external issuer names them. */
  subjectCharacters: 255,
  /** Members of a group. */
  groupMembers: 1_000,
  /** Members of a channel. */
  channelMembers: 100_000,
  /** Up to so many members a conversation tells each one's receipts and membership; beyond, it tells numbers. */
  toldMembers: 1_000,
  /** Users that one user may have blocked. */
  blockedUsers: 1_000,
  /** Users named in one request. */
  usersPerRequest: 100,
  /** Users whose presence is asked in one request. */
  presencePerRequest: 500,
  /** Users whose presence one connection watches. */
  watchedUsers: 500,
  statusTextCharacters: 100,
  /** How far ahead the end of a status may be. */
  statusAheadMs: 365 * 24 * 60 * 60 * 1000,
  /** Who is typing is told in conversations of at most so many members. */
  typingMembers: 200,
  /** While more members than this are typing, only their number is told. */
  namedTypists: 5,
  pageSize: 100,
  /** Conversations named in one `Sync`. */
  conversationsPerSync: 500,
  /** Changes of one conversation in one `Sync`: who missed more reloads it. */
  changesPerSync: 1_000,
  fileNameCharacters: 200,
  /** For how few days at least messages can be kept: events of them are kept in NATS for 3, and all is gone within a day. */
  leastRetentionDays: 2,
  mostRetentionDays: 36_500,
  /** Of a legal hold or an erasure. */
  reasonCharacters: 1_000,
  /** How old the time in a new message's id may be. */
  messageIdPastMs: 24 * 60 * 60 * 1000,
  /** How far ahead of the server's clock the time in a new message's id may be. */
  messageIdFutureMs: 2 * 60 * 1000,
} as const
