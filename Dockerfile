# A causeway server. Its data is in /data unless DATABASE_URL names a PostgreSQL of your own.
FROM python:3.11-slim

RUN useradd --system --create-home --home-dir /data --uid 2016 causeway
WORKDIR /src
COPY setup.py pyproject.toml README.md LICENSE ./
COPY rein ./rein
COPY causeway ./causeway
RUN pip install --no-cache-dir '.[server]' && rm -rf /src/*

USER causeway
WORKDIR /data
VOLUME /data
ENV CAUSEWAY_DATA=/data CAUSEWAY_HOST=0.0.0.0 CAUSEWAY_PORT=2016 PYTHONUNBUFFERED=1
EXPOSE 2016
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:2016/readyz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["causeway"]
CMD ["serve"]
