// Google's projects have an id, which somebody has chosen, and a number. Some services, Secret Manager among them, take
// either in a name and always answer with the number.

export type Projects = {
  /** Of the id or the number that a call gives. A number whose project no call has named by its id is nobody's. */
  idOf(project: string): string;
  /** The resource's name as the service gives it out. */
  numbered(name: string): string;
};

/** Of every name that goes on after its project. */
const PREFIX = 'projects/';

export function createProjects(): Projects {
  const ids = new Map<string, string>();
  const numbers = new Map<string, string>();
  const numberOf = (id: string): string => {
    let number = numbers.get(id);
    if (number === undefined) {
      numbers.set(id, (number = numberFor(id)));
      ids.set(number, id);
    }
    return number;
  };
  return {
    idOf: project => {
      if (/^\d/.test(project)) return ids.get(project) ?? project;
      numberOf(project);
      return project;
    },
    numbered: name => {
      const end = name.indexOf('/', PREFIX.length);
      return `${PREFIX}${numberOf(name.slice(PREFIX.length, end))}${name.slice(end)}`;
    },
  };
}

/** Twelve digits, the same for the same id: FNV-1a. */
function numberFor(id: string): string {
  if (/^\d/.test(id)) return id;
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return String(100_000_000_000 + (hash >>> 0));
}
