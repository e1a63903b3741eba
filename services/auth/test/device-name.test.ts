import { expect, test } from 'vitest'
import { deviceName } from '../src/domain/device-name.ts'

const ios = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)'

test.each([
  ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'],
  [`${ios} Version/18.2 Mobile/15E148 Safari/604.1`, 'Safari on iOS'],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0',
    'Microsoft Edge on Windows',
  ],
  [
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36',
    'Chrome on Android',
  ],
])('%s is called %s', (userAgent, name) => {
  expect(deviceName(userAgent)).toBe(name)
})

test('who does not say is called nothing', () => {
  for (const userAgent of [undefined, '', ' ', '-', '(', '\u{1f98a}']) expect(deviceName(userAgent)).toBeNull()
})

test('whatever is said, the name is short and takes no time', () => {
  const started = performance.now()
  for (const part of ['Mozilla/5.0 (', 'x', ' Firefox/', ';', '((((', 'Windows NT ', 'a/1 ']) {
    expect(deviceName(part.repeat(5_000))?.length ?? 0).toBeLessThanOrEqual(100)
  }
  expect(performance.now() - started).toBeLessThan(500)
})
