// A process worth watching: it lives until it is told to stop.
setInterval(() => process.stdout.write(`alive ${process.pid}\n`), 1_000);
