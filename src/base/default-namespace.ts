/**
 * The one namespace that exists without being asked for. Files leave this name out: see FORMAT.md.
 */
export const defaultNamespace = 'default';
