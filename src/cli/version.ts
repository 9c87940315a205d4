import manifest from '../../package.json' with { type: 'json' };

/** Version of this client. */
export const VERSION: string = manifest.version;
