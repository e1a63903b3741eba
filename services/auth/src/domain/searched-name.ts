/** Letters that are one with their stroke or ligature, as people without them on their keyboard write them. */
const letters: Readonly<Record<string, string>> = { Ø: 'O', Ł: 'L', Đ: 'D', Ð: 'D', Ħ: 'H', Þ: 'TH', Æ: 'AE', Œ: 'OE' }

/** Accents and the like, but not the vowel signs of scripts that write vowels as marks. */
const ACCENTS = /[\u0300-\u036f]|[\u1ab0-\u1aff]|[\u1dc0-\u1dff]|[\u20d0-\u20ff]|[\ufe20-\ufe2f]/g
const LATER_WORD = /(?<=[^\p{L}\p{N}\p{M}])[\p{L}\p{N}]/gu
/** Of one name. */
export const MAX_LATER_BEGINNINGS = 10

/** A name as searches compare it: case, accents, and how they are encoded, do not count. */
export function searchedName(name: string): string {
  const plain = name
    .replaceAll(/\p{Default_Ignorable_Code_Point}/gu, '')
    .normalize('NFKD')
    .replaceAll(ACCENTS, '')
  return plain
    .toUpperCase()
    .normalize('NFKD')
    .replaceAll(ACCENTS, '')
    .replaceAll(/[ØŁĐÐĦÞÆŒ]/g, (letter) => letters[letter]!)
    .trim()
}

/** What else a searched name can be found by the beginning of: all that follows from its second word on, from its third on, and so on. */
export function laterBeginnings(searched: string): string[] {
  const beginnings = [...searched.matchAll(LATER_WORD)].map(({ index }) => searched.slice(index))
  return [...new Set(beginnings)].slice(0, MAX_LATER_BEGINNINGS)
}
