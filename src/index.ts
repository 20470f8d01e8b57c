// The package as programs import it: `import { startServer } from 'holdfast'`. Exports what
// docs/embedding.md documents, and nothing else.
export { StoreError, type ErrorCode, type Outcome } from './base/errors.ts';
export { ListenError } from './server/listen-error.ts';
export { startServer, type RunningServer, type ServerOptions } from './server/start-server.ts';
export { SettingError } from './settings/setting-error.ts';
