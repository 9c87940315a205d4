/** Who may import whom: `../shared` design, "Folders". A violation fails `npm run check`. */
const subjects = 'network|image|volume|cgroup|runtime|log';

function only(from, to, comment) {
  return {
    name: `${from.replaceAll('|', '-')}-imports`,
    severity: 'error',
    comment,
    from: { path: `^src/(${from})/` },
    to: { path: '^src/', pathNot: `^src/(${to})/` },
  };
}

/** @type {import('dependency-cruiser').IConfiguration} */
const config = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'Split the file that both need.',
      from: {},
      to: { circular: true },
    },
    only('lib', 'lib', 'lib knows nothing of tsstack.'),
    only('model', 'model|lib', 'model holds types and names only.'),
    only(
      'planner',
      'planner|model|lib|network',
      'The planner is pure: it may use the pure IPAM of network, nothing that acts.',
    ),
    only('host', 'host|model|lib', 'host performs what it is given.'),
    only('store', 'store|model|lib|host', 'store keeps records and paths.'),
    only('spec', 'spec|model|lib|host', 'spec turns text into a Stack.'),
    ...subjects
      .split('|')
      .map((name) =>
        only(name, `${name}|model|lib|host|store`, 'One kernel subject each; they do not import each other.'),
      ),
    only('observe', `observe|${subjects}|model|lib|host|store`, 'observe only reads.'),
    only('executor', `executor|${subjects}|model|lib|host|store`, 'The executor decides nothing: no planner, no spec.'),
    only(
      'supervisor',
      `supervisor|executor|observe|${subjects}|model|lib|host|store`,
      'The supervisor acts through the executor.',
    ),
    only('copy', 'copy|image|model|lib', 'copy moves files between the host and a root, with the archives of image.'),
    only('build', 'build|image|model|lib|host', 'build turns a Dockerfile and a context into layers.'),
    {
      name: 'build-is-pure',
      severity: 'error',
      comment: 'Of build, only the readers of contexts and images, what makes layers and what fetches from elsewhere.',
      from: { path: '^src/build/', pathNot: '^src/build/(context/(scan|image-tree)\\.ts|layer/|remote/)' },
      to: { path: '^(node:)?(fs|child_process|fs/promises)$' },
    },
    only('serve', 'serve|model|lib', 'serve runs by itself, without what it is told by.'),
    only('outside', 'outside|model|lib', 'outside runs by itself, outside of the namespaces of an ordinary user.'),
    only('watch', 'watch|model|lib|host', 'watch turns file changes into actions.'),
    {
      name: 'cli-is-thin',
      severity: 'error',
      comment: 'The CLI talks to the daemon; engine only for pure commands.',
      from: { path: '^src/cli/' },
      to: {
        path: '^src/',
        pathNot:
          '^src/(cli|copy|model|lib|engine|spec|log|planner/render|store/(paths|private-directory)|runtime/terminal|daemon/(api|image-api|net-api|network-api|run-api|volume-api|start))',
      },
    },
    {
      name: 'only-host-acts',
      severity: 'error',
      comment: 'Only host touches processes and files.',
      from: {
        path: '^src/',
        pathNot: '^src/(host|build|cli|copy|daemon|main|log|image|lib/read|outside|serve|spec/read|store)',
      },
      to: { path: '^(node:)?(fs|child_process|fs/promises)$' },
    },
    {
      name: 'planner-and-model-are-pure',
      severity: 'error',
      comment: 'Nothing that acts in planner and model.',
      from: { path: '^src/(planner|model)/' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|net)$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    parser: 'swc',
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    includeOnly: '^(src|node:|fs|child_process)',
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
};

// biome-ignore lint/style/noDefaultExport: the form that dependency-cruiser reads
export default config;
