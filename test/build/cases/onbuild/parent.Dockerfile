FROM base
RUN echo parent > /triggers
ENV V=parent
ONBUILD RUN echo "one $V" >> /triggers
ONBUILD COPY a.txt /by-parent/
ONBUILD ARG V=argument
ONBUILD RUN echo "two $V" >> /triggers
ONBUILD ENV FROM_TRIGGER=$V
ONBUILD WORKDIR /onbuild
ONBUILD LABEL by=parent
