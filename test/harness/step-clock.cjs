// Required by Node before the program: its wall clock is ahead by as many milliseconds as the file TEST_CLOCK_FILE says.
const { readFileSync } = require('node:fs')

const now = Date.now
Date.now = () => now() + Number(readFileSync(process.env.TEST_CLOCK_FILE, 'utf8'))
