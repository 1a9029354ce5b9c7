import { writeSync } from 'node:fs'
import { turned } from './turned.ts'

// Preloaded into a daemon (`--import`): each SIGUSR2 moves its clock a quarter of an hour on, timers stay as they are.
const stepMs = 15 * 60_000
const real = Date.now.bind(Date)
let aheadMs = 0

Date.now = () => real() + aheadMs
process.on('SIGUSR2', () => {
  aheadMs += stepMs
  writeSync(2, turned)
})
