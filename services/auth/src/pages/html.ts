/** Text that is HTML already: made by `html`, or vouched for by `trusted`. */
export interface Html {
  readonly text: string
}

/** A template whose values are escaped, whatever they hold, unless they are `Html` themselves. */
export function html(parts: TemplateStringsArray, ...values: (string | Html | undefined)[]): Html {
  const text = parts.reduce((before, part, index) => before + textOf(values[index - 1]) + part)
  return { text }
}

/** One after the other. */
export const joined = (parts: readonly Html[]): Html => ({ text: parts.map(({ text }) => text).join('') })

/** Never with anything that came from outside. */
export const trusted = (text: string): Html => ({ text })

const textOf = (value: string | Html | undefined): string =>
  typeof value === 'object'
    ? value.text
    : (value ?? '').replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '')

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
