"""Interceptors that most services want, for channels and servers. None is on by itself.

Channel("…", interceptors=[interceptors.AccessLog(), interceptors.CallCredentials(fetch)])
Server([…], interceptors=[interceptors.AccessLog(), interceptors.BearerAuthentication(check)])

access_log       AccessLog: a line for each call
authentication   BearerAuthentication: who is calling
binary_log       BinaryLog: everything that passes, in a file (A16)
credentials      CallCredentials: proof of who we are
load_reporting   LoadReporting: the server's load, with the end of each call (A51)
otel_metrics     OtelMetrics: OpenTelemetry metrics (A66); needs the extra `otel`
otel_retries     RETRY_METRICS: instruments of OtelMetrics that are off by default (A96)
otel_tracing     OtelTracing: OpenTelemetry spans (A72); needs the extra `otel`
prometheus       PrometheusMetrics; needs the extra `metrics`
rate_limit       RateLimit: token buckets
validation       Validation: a hook for validators
"""

from __future__ import annotations

from .access_log import AccessLog
from .authentication import BearerAuthentication
from .binary_log import BinaryLog
from .credentials import CallCredentials, Credentials, CredentialsRequest
from .load_reporting import LoadReporting, call_load
from .otel_metrics import OtelMetrics
from .otel_retries import RETRY_METRICS
from .otel_tracing import OtelTracing
from .prometheus import PrometheusMetrics
from .rate_limit import RateLimit
from .validation import InvalidMessage, Validation, Violation

__all__ = [
    "RETRY_METRICS",
    "AccessLog",
    "BearerAuthentication",
    "BinaryLog",
    "CallCredentials",
    "Credentials",
    "CredentialsRequest",
    "InvalidMessage",
    "LoadReporting",
    "OtelMetrics",
    "OtelTracing",
    "PrometheusMetrics",
    "RateLimit",
    "Validation",
    "Violation",
    "call_load",
]
