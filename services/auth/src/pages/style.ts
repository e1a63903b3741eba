/** The look of all pages. It stands inside them, allowed by its hash. */
export const STYLE = `
:root { --page: #f4f5f7; --card: #fff; --text: #1c2430; --quiet: #5b6675; --line: #d5dae1; --accent: #3457d5; --wrong: #b3261e }
@media (prefers-color-scheme: dark) {
  :root { --page: #11151b; --card: #1b212a; --text: #e8ecf1; --quiet: #9aa5b4; --line: #38424f; --accent: #7d9bff; --wrong: #ff8a80 }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--page);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 24rem; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: 1rem }
.logo { width: 2.5rem; fill: var(--accent) }
h1 { margin: .75rem 0 .25rem; font-size: 1.375rem; line-height: 1.25; overflow-wrap: anywhere }
p { margin: 0 0 1.25rem; color: var(--quiet); overflow-wrap: anywhere }
label { display: block; margin-bottom: .25rem; font-weight: 600 }
input { width: 100%; padding: .625rem .75rem; font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--line); border-radius: .5rem }
input[aria-invalid] { border-color: var(--wrong) }
.wrong { margin: .375rem 0 0; color: var(--wrong) }
button { width: 100%; margin-top: 1rem; padding: .625rem; font: inherit; font-weight: 600; cursor: pointer; color: var(--card);
  background: var(--accent); border: 1px solid var(--accent); border-radius: .5rem }
button.second { color: var(--accent); background: transparent }
input:focus-visible, button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
code { font-size: .875rem }
`
