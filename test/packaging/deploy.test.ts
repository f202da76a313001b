import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { parseListen } from '../../src/server/listen-address.ts';
import { VERSION } from '../../src/version.ts';

const read = (name: string) => readFileSync(join(import.meta.dirname, '..', '..', 'deploy', name), 'utf8');

/** What `kloros run` is given, as it will read it. */
function listens(args: readonly string[]) {
  const at = args.indexOf('--allow-host');
  return parseListen(args[args.indexOf('--listen') + 1] ?? '', at < 0 ? [] : args.slice(at + 1));
}

test('the compose file scrapes the daemon where it listens, under a name that it answers to', () => {
  const { services, configs } = parse(read('compose.yaml'));
  const { names, port } = listens(services.kloros.command);
  const prometheus = parse(configs.prometheus.content);
  const [target] = prometheus.scrape_configs[0].static_configs[0].targets;
  expect(target).toBe(`kloros:${port}`);
  expect(names).toContain('kloros');
  // The check of the image asks from inside.
  expect(names).toContain('127.0.0.1');
  expect(prometheus.rule_files[0]).toBe('/etc/prometheus/kloros/kloros.rules.yml');
  expect(services.prometheus.volumes).toContain('./prometheus:/etc/prometheus/kloros:ro');
});

test('in Kubernetes there is one copy, closed, that is asked under a name that it answers to', () => {
  const [set, service] = parseAllDocuments(read('kubernetes.yaml')).map((one) => one.toJS());
  expect(set.spec.replicas).toBe(1);
  const { securityContext, containers } = set.spec.template.spec;
  const [container] = containers;
  expect(securityContext.runAsNonRoot).toBe(true);
  expect(container.securityContext).toMatchObject({
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
  });
  expect(container.image).toBe(`kloros:${VERSION}`);
  const { names, port } = listens(container.args);
  const [{ value }] = container.livenessProbe.httpGet.httpHeaders;
  expect(names.map((name) => `${name}:${port}`)).toContain(value);
  expect(service.spec.ports[0].port).toBe(port);
});

test('the image runs as a user of its own, with a home that is that user’s', () => {
  const file = read('Dockerfile');
  expect(file).toMatch(/^USER kloros$/m);
  expect(file).toMatch(/install -d -o kloros -g kloros -m 0700 \/var\/lib\/kloros/);
  expect(file).toMatch(/^FROM node:26/m);
});
