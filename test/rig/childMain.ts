// A child for the tests: answers, fails, hangs and ends as it is asked to.

import { serveParent } from '../../rig/child.ts';

serveParent({
  start: spec => {
    if ((spec as { readonly fails?: true }).fails) throw new Error('it cannot begin');
    return { spec, pid: process.pid };
  },
  echo: argument => argument,
  fail: () => Promise.reject(new Error('it failed at it')),
  hang: () => new Promise(() => {}),
  exit: code => process.exit(code as number),
  stop: () => 'the last word',
});
