"""Check campaigns against numbers that laws state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.operators.base import EngageVoiceOperator

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_engagevoice.arguments import Reader
    from airflow_provider_engagevoice.client.lookup import CampaignReference, DialGroupReference
    from airflow_provider_engagevoice.preflight.findings import Finding
    from airflow_provider_engagevoice.preflight.lead_counts import LeadCounts
    from airflow_provider_engagevoice.utils.airflow_arguments import OperatorArguments


class EngageVoicePreflightOperator(EngageVoiceOperator):
    """
    Check the settings of campaigns, and the list that they are to call, against numbers that laws state.

    Nothing is changed. What is found is no legal advice. Fails if there are errors that are not accepted.
    Plans of seasons have the same findings already. Returns ``campaigns`` and ``leads``, their
    numbers (None without a list), ``findings``, how many there are of each severity (``error``, ``warning``
    and ``not checked``), ``output_path`` and ``markdown_path``.

    :param dial_group: dial group of the campaigns: id, exact name or mapping
    :param campaigns: id, exact name, the output of another operator, a mapping such as
        ``{"campaign_name": "20261201"}``, or a list of these; default: all of the dial group
    :param source: the list that each of these campaigns is to call: paths as for
        :class:`~airflow_provider_engagevoice.operators.leads.EngageVoiceLoadLeadsOperator`. Its leads are
        counted by their own ``state`` or ``zip``, or else by the area code of their phone.
    :param source_conn_id: connection of its storage
    :param source_format: ``csv``, ``tsv``, ``jsonl``, ``parquet`` or ``excel``; default: by the suffix
    :param mapping: column to lead field, such as ``{"mobile": "leadPhone"}``
    :param country: country of the phone numbers, three letters; default: ``USA``
    :param rules: YAML file of rules of your own, relative to the folder of the DAG file or on object storage,
        or the same as a mapping
    :param accept_findings: rules whose errors are accepted, by their ids
    :param output_path: file of the findings on object storage, whose name ends in ``.json``; they are also
        written as Markdown beside it
    :param storage_conn_id: connection of the storage of ``rules`` and ``output_path``
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    default_map_index = "{{ task.dial_group.dial_group_name | default(task.dial_group, true) }}"
    template_fields: Sequence[str] = (
        "dial_group",
        "campaigns",
        "source",
        "source_conn_id",
        "source_format",
        "mapping",
        "country",
        "rules",
        "accept_findings",
        "output_path",
        "storage_conn_id",
        "engagevoice_conn_id",
    )
    template_fields_renderers = {"mapping": "json", "rules": "json"}

    def __init__(
        self,
        *,
        dial_group: DialGroupReference | XComArg,
        campaigns: CampaignReference | Sequence[CampaignReference] | XComArg | None = None,
        source: str | Sequence[str] | XComArg | None = None,
        source_conn_id: str | XComArg | None = None,
        source_format: str | XComArg | None = None,
        mapping: Mapping[str, str | None] | XComArg | None = None,
        country: str | XComArg = "USA",
        rules: str | Mapping[str, Any] | XComArg | None = None,
        accept_findings: Sequence[str] | XComArg | None = None,
        output_path: str | XComArg | None = None,
        storage_conn_id: str | XComArg | None = None,
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        self.dial_group = dial_group
        self.campaigns = campaigns
        self.source = source
        self.source_conn_id = source_conn_id
        self.source_format = source_format
        self.mapping = mapping
        self.country = country
        self.rules = rules
        self.accept_findings = accept_findings
        self.output_path = output_path
        self.storage_conn_id = storage_conn_id

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the readers of the arguments that are checked at DAG parse."""
        from airflow_provider_engagevoice import inputs
        from airflow_provider_engagevoice.leads.sources import FORMATS
        from airflow_provider_engagevoice.utils.preflight_arguments import read_rules
        from airflow_provider_engagevoice.utils.season_arguments import read_ids, read_json_path

        return {
            "dial_group": inputs.read_dial_group,
            "campaigns": inputs.read_campaigns,
            "source": inputs.read_texts,
            "source_conn_id": inputs.read_text,
            "source_format": partial(inputs.read_choice, choices=FORMATS),
            "country": inputs.read_country,
            "rules": read_rules,
            "accept_findings": read_ids,
            "output_path": read_json_path,
            "storage_conn_id": inputs.read_text,
        }

    def _execute(self, context: Context) -> dict[str, Any]:
        from airflow_provider_engagevoice import clock
        from airflow_provider_engagevoice.preflight.findings import check_accepted, counts, table
        from airflow_provider_engagevoice.preflight.run import check_campaigns
        from airflow_provider_engagevoice.preflight.subjects import read_subjects
        from airflow_provider_engagevoice.storage import ObjectStorage
        from airflow_provider_engagevoice.utils.preflight_arguments import rules_of

        values = self.read_arguments()
        storage = ObjectStorage(values["storage_conn_id"])
        rules = rules_of(values["rules"], self._dag_folder(), storage)
        leads = self._count_leads(values)
        subjects = self.hook.run(read_subjects(values["dial_group"], values["campaigns"], leads))
        findings = check_campaigns(subjects, rules, clock.now().date())
        for line in table(findings):
            self.log.info("%s", line)
        paths = self._write(values["output_path"], findings, storage)
        check_accepted(findings, values["accept_findings"] or ())
        return {
            "campaigns": len(subjects),
            "leads": None if leads is None else leads.total,
            "findings": counts(findings),
            **paths,
        }

    def _count_leads(self, values: Mapping[str, Any]) -> LeadCounts | None:
        from airflow_provider_engagevoice.utils.preflight_arguments import count_leads_in

        if values["source"] is None:
            return None
        return count_leads_in(
            values["source"],
            values["source_conn_id"],
            self.mapping,
            values["country"],
            format=values["source_format"],
        )

    @staticmethod
    def _write(path: str | None, findings: Sequence[Finding], storage: Any) -> dict[str, str | None]:
        """Write findings as JSON and as Markdown; return the paths."""
        import json
        from dataclasses import asdict

        from airflow_provider_engagevoice.preflight.findings import markdown
        from airflow_provider_engagevoice.storage import markdown_path

        if path is None:
            return {"output_path": None, "markdown_path": None}
        storage.write(path, json.dumps([asdict(one) for one in findings], ensure_ascii=False, indent=1))
        lines = ["# Preflight", "", *(markdown(findings) or ["Nothing was found."])]
        storage.write(markdown_path(path), "\n".join(lines) + "\n")
        return {"output_path": path, "markdown_path": markdown_path(path)}
