/** How long somebody types who said so, unless it is said again. */
export const TYPING_MS = 7_000
/** What one user says of one conversation is told once in so long. */
export const TOLD_EVERY_MS = 3_000
/** How often at most it is told how many are typing, while they are too many to be named. */
export const COUNTED_EVERY_MS = 1_000
