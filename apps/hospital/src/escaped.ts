/** Text in a page of this program. Labels, file names and reason codes come from anywhere. */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '\0': '&#xfffd;',
};

/** For the text of an element and for a quoted attribute; control characters do no harm as character references. */
export const escaped = (text: string): string =>
  text.replaceAll(/[&<>"'\p{Cc}]/gu, (mark) => ENTITIES[mark] ?? `&#${mark.charCodeAt(0)};`);
