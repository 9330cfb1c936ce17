"""What a source's settings make of what it reports: taken or not, enriched, limited to an audience."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

from assistant.common.acl import Acl, Clause
from assistant.sync.audience import audience_clause
from assistant.sync.enrichment import Enrichment, parse_enrichment
from assistant.sync.models import Source
from assistant.sync.rules import LeftOut, Rules, parse_rules
from connectors.sdk.contract import Upsert

_MAX_VERSION = 200  # characters of the column


@dataclass(frozen=True, slots=True)
class Treatment:
    """The settings, compiled. `mark` is added to versions, so that other settings describe all anew."""

    rules: Rules
    enrichment: Enrichment
    audience: Clause | None
    mark: str

    def left_out(self, upsert: Upsert) -> LeftOut | None:
        """Why a rule leaves the document out; None: it is taken, unless enrichment drops it."""
        return self.rules.leaves_out(external_id=upsert.external_id, name=upsert.name, size=upsert.size)

    def document(self, upsert: Upsert) -> Upsert | None:
        """The document as it is stored; None: it is left out."""
        if self.left_out(upsert) is not None:
            return None
        enriched = self.enrichment.apply(upsert)
        if enriched is None:
            return None
        version = enriched.version
        if len(version) + len(self.mark) > _MAX_VERSION:
            version = hashlib.sha256(version.encode("utf-8", "surrogatepass")).hexdigest()
        return replace(enriched, version=version + self.mark)

    def acl(self, acl: Acl | None) -> Acl | None:
        """The access list with the audience's limit: both must let a person in."""
        if acl is None or self.audience is None or not acl.clauses:
            return acl
        return Acl((*acl.clauses, self.audience))


def treatment_of(source: Source) -> Treatment:
    """The treatment that the source's settings ask for.

    Raises:
        UsageError: settings that are none; the run must not guess what was meant.
    """
    described = json.dumps([source.field_map, source.enrichment], sort_keys=True)
    plain = not source.field_map and not source.enrichment
    return Treatment(
        rules=parse_rules(source.rules),
        enrichment=parse_enrichment(source.field_map, source.enrichment),
        audience=audience_clause(source.audience),
        mark="" if plain else "+" + hashlib.sha256(described.encode()).hexdigest()[:12],
    )
