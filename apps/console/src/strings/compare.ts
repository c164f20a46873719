export const compare = {
  title: 'Compare two runs',
  lead: 'How the models do by round, and what differs in what the hospitals agreed to.',
  first: 'First run',
  second: 'Second run',
  figure: 'Figure',
  figures: 'Figures',
  bestRound: 'Best round',
  score: 'Score',
  configuration: 'Configuration',
  value: 'Value',
  showSame: 'Also what is the same',
  same: { title: 'No difference', text: 'Both runs were agreed to with the same values.' },
  tooFew: {
    title: 'There are not two runs yet',
    text: 'A comparison needs two. It can be made while they are under way.',
  },
  summary: (metric: string, a: string, b: string) => `${metric} by round of ${a} and ${b}.`,
} as const;
