/** A name as comparisons see it: case and the way accents are encoded do not count. */
export const foldedName = (name: string): string => name.normalize('NFC').toLowerCase().normalize('NFC')
