/** The limits a client can count on. Each has a refusal of its own or is part of an operation's input. */
export const limits = {
  /** Unicode code points. */
  messageCharacters: 10_000,
  mentionsPerMessage: 50,
  /** Files cannot be attached yet: an empty list is accepted. */
  attachmentsPerMessage: 0,
  titleCharacters: 100,
  displayNameCharacters: 50,
  /** Members of a group. */
  groupMembers: 1_000,
  /** Users named in one request. */
  usersPerRequest: 100,
  /** Users whose presence is asked in one request. */
  presencePerRequest: 500,
  pageSize: 100,
  fileNameCharacters: 200,
  /** How old the time in a new message's id may be. */
  messageIdPastMs: 24 * 60 * 60 * 1000,
  /** How far ahead of the server's clock the time in a new message's id may be. */
  messageIdFutureMs: 2 * 60 * 1000,
} as const
