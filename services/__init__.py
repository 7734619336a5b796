"""Vọng Gác, package by package.

* ``contracts``  the shared language: ids, ladder, messages, error categories. No I/O.
* ``runtime``    what any long-running process needs: clock, tasks, logs, probes.
* ``bus``        how messages travel: one port, two implementations.
* ``storage``    how rows are kept: engine, sessions, types, encryption.
* ``registry``   which facilities, devices and cameras exist, and which worker watches whom.
* ``programme``  surveys, obstacles, plans, acceptance, progress reports.
* ``ingest``     everything that touches a camera.
* ``aggregator`` from camera reports to the state of a facility.
* ``live``       who may look, until when, and the pictures themselves.
* ``access``     principals, API keys, province scope, audit.
* ``api``        HTTP for integrators, the monitoring centre and workers.
* ``console``    the web pages.
* ``cli``        the ``vonggac`` command.
* ``simulator``  simulated sites with switchable faults.

``assembly`` puts them together; the walls between them are checked by ``make lint``.
"""
