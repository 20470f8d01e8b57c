/** The one keyspace that is there without being asked for. Files leave it out: see FORMAT.md. */
export const defaultNamespace = 'default';
