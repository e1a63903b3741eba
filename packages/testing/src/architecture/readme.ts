export const headings = ['Answers', 'Says', 'Hears', 'Keeps', 'Needs'] as const
export type Heading = (typeof headings)[number]

/**
 * The names that a README lists under each heading: each item of a list, or row of a table, begins with one or more of them
 * in backticks. What stands in sentences is not listed.
 */
export function readReadme(text: string): Readonly<Partial<Record<Heading, ReadonlySet<string>>>> {
  const sections = text
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')).trim(), section] as const)
  return Object.fromEntries(
    headings.flatMap((heading) => {
      const section = sections.find(([title]) => title === heading)?.[1]
      return section === undefined ? [] : [[heading, namesIn(section)]]
    }),
  )
}

function namesIn(section: string): ReadonlySet<string> {
  const items = section.matchAll(/^(?:[-*] |\| *)((?:`[^`]+`(?:, | and | or )?)+)/gm)
  return new Set([...items].flatMap(([, names = '']) => [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)))
}
