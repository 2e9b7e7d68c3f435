# A mail that no other script has filed: keep it, then publish the event.
require ["vnd.dovecot.pipe", "copy"];

keep;
pipe :copy :try "pimap-publish" ["INBOX"];
