/** Typed lint, and the layer rule: an import goes down, and never to a project that may see more than its importer. */
import js from '@eslint/js';
import nx from '@nx/eslint-plugin';
import ts from 'typescript-eslint';

const layers = ['primitive', 'vocabulary', 'mechanism', 'flow', 'app', 'tests'];
/** A layer may import those below it; only primitives and vocabulary may import their own kind. */
const below = (layer) => layers.filter((other, i) => i < layers.indexOf(layer) || (other === layer && i < 2));
const tags = (kind, values) => values.map((value) => `${kind}:${value}`);

const depConstraints = [
  ...layers.map((layer) => ({ sourceTag: `layer:${layer}`, onlyDependOnLibsWithTags: tags('layer', below(layer)) })),
  {
    sourceTag: 'sees:nothing',
    onlyDependOnLibsWithTags: ['sees:nothing'],
    notDependOnLibsWithTags: ['sees:updates', 'sees:patient-data'],
  },
  {
    sourceTag: 'sees:updates',
    onlyDependOnLibsWithTags: ['sees:nothing', 'sees:updates'],
    notDependOnLibsWithTags: ['sees:patient-data'],
  },
  { sourceTag: 'runs:any', onlyDependOnLibsWithTags: ['runs:any'] },
  { sourceTag: 'runs:browser', onlyDependOnLibsWithTags: ['runs:any', 'runs:browser'] },
];

export default ts.config(
  { ignores: ['**/dist/**', '**/.nx/**', '**/node_modules/**'] },
  js.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [...ts.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': ['error', { depConstraints, banTransitiveDependencies: true }],
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // NestJS declares its option objects as classes.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Secrets come from node:crypto, demo data from SeededRandom.' },
      ],
    },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
  {
    files: ['apps/hospital/page/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        ['document', 'location', 'history', 'fetch', 'sessionStorage', 'setTimeout', 'addEventListener'].map((name) => [
          name,
          'readonly',
        ]),
      ),
    },
  },
  {
    files: ['apps/console/public/*.js'],
    languageOptions: { globals: { localStorage: 'readonly', matchMedia: 'readonly', document: 'readonly' } },
  },
);
