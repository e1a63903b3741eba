/** The look of all pages. It stands inside them, allowed by its hash. */
export const STYLE = `
:root { --page: #f4f5f7; --card: #fff; --text: #1c2430; --quiet: #5b6675; --line: #d5dae1; --edge: #7b8695; --accent: #3457d5; --wrong: #b3261e }
@media (prefers-color-scheme: dark) {
  :root { --page: #11151b; --card: #1b212a; --text: #e8ecf1; --quiet: #9aa5b4; --line: #38424f; --edge: #758295; --accent: #7d9bff; --wrong: #ff8a80 }
}
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100% }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; place-items: center; padding: 1rem; background: var(--page);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 24rem; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: 1rem }
.logo { width: 2.5rem; fill: var(--accent) }
h1 { margin: .75rem 0 .25rem; font-size: 1.375rem; line-height: 1.25; overflow-wrap: anywhere }
p { margin: 0 0 1.25rem; color: var(--quiet); overflow-wrap: anywhere }
label { display: block; margin-bottom: .25rem; font-weight: 600 }
ul { margin: 0 0 1.25rem; padding-left: 1.25rem; overflow-wrap: anywhere }
strong { color: var(--text); font-weight: 600 }
input { width: 100%; min-height: 2.75rem; padding: .625rem .75rem; font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--edge); border-radius: .5rem }
input[aria-invalid] { border-color: var(--wrong) }
.wrong { margin: .375rem 0 0; color: var(--wrong) }
button, .button { display: block; width: 100%; min-height: 2.75rem; margin-top: 1rem; padding: .625rem; font: inherit; font-weight: 600; text-align: center;
  text-decoration: none; overflow-wrap: anywhere; cursor: pointer; color: var(--card); background: var(--accent);
  border: 1px solid var(--accent); border-radius: .5rem }
.button + p { margin-top: 2rem }
button.second { color: var(--accent); background: transparent; border-color: var(--edge) }
input:focus-visible, button:focus-visible, .button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
code { font-size: .875rem; overflow-wrap: anywhere }
@media (max-width: 26rem) { main { padding: 1.5rem 1.25rem } }
`
