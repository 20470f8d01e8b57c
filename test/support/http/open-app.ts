// Starts the HTTP layer over a model store on a free port, and stops it after the test.
import { onTestFinished } from 'vitest';
import { startApp, type AppChanges } from './start-app.ts';

export { accessOver, makeNamespaces, testLimits, type TestAccess } from './start-app.ts';

export async function openApp(changes?: AppChanges) {
  const { close, ...opened } = await startApp(changes);
  onTestFinished(close);
  return opened;
}
