/** What delivery has done since the start: for metrics. */
export class DeliveryCounts {
  /** Batches of changes that were heard. */
  notices = 0
  /** Those of them that were missed, and asked for. */
  missedNotices = 0
  /** Gaps in a topic that were filled by asking. */
  repairedGaps = 0
  /** Connections that were told to fetch what is too much to be told. */
  syncsRequired = 0
}
