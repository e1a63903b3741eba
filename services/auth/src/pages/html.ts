/** Text that is HTML already. Only `html` makes it, and whoever vouches for where a text comes from. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** A template whose values are escaped, whatever they hold, unless they are `Html` themselves. */
export function html(parts: TemplateStringsArray, ...values: (string | Html | undefined)[]): Html {
  return new Html(
    parts.reduce((text, part, index) => {
      const value = values[index - 1]
      return `${text}${value instanceof Html ? value.text : escape(value ?? '')}${part}`
    }),
  )
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
