/** Whether a media type is one of a list such as `image/*, application/pdf`. */
export function takenTypes(list: string): (type: string) => boolean {
  const patterns = list.split(',').map((pattern) => pattern.trim())
  const matches = (pattern: string, type: string): boolean => {
    if (pattern === '*/*' || pattern === type) return true
    return pattern.endsWith('/*') && type.startsWith(pattern.slice(0, -1))
  }
  return (type) => patterns.some((pattern) => matches(pattern, type))
}
