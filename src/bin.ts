#!/usr/bin/env node
// Old Node versions load this file too, so it imports nothing by itself.
const major = Number(process.versions.node.split('.')[0])

if (major >= 24) {
  await import('./main.ts')
} else {
  process.stderr.write(
    `openclaw-connector needs Node 24 or newer, and this is ${process.versions.node}: ` +
      'run it with `npx -p node@24 -p openclaw-connector openclaw-connector`.\n',
  )
  process.exitCode = 1
}
