#!/usr/bin/perl

# A response that another filter changes stays held, and is changed up to its
# end.  Filters that do not change it do not prevent detaching.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my %filters = (
    gzip => ['gzip on; gzip_types text/event-stream; gzip_min_length 0;',
        'heldH1'],
    sub => ['sub_filter INBOX Inbox; sub_filter_types text/event-stream; '
        . 'sub_filter_once off;', 'heldH1'],
    ssi => ['ssi on; ssi_types text/event-stream;', 'heldH1'],
    charset => ['charset koi8-r; source_charset windows-1251; '
        . 'charset_types text/event-stream;', 'heldH1'],
    trailer => ['add_trailer X-Trailer yes;', 'heldH1'],
    other => ['gzip on; sub_filter INBOX Inbox; ssi on; '
        . 'add_header X-Other yes; limit_rate 1;', 'detached']);

my $t = Pimap->new(mode => 'pimap_hibernate on;',
    http => 'include /etc/nginx/koi-win;', locations => join("\n",
    map { <<"END" } sort(keys(%filters))) . <<'END');
        location = /$_ {
            pimap_compress off;
            pimap_account \$arg_account;
            $filters{$_}[0]
            pimap_events;
        }
END
        location = /status {
            pimap_status;
        }
END

my $event = { event => 'MessageNew', mailbox => 'INBOX', uid => 1 };

$t->plan(6 * 4 + 1);
$t->run();

for my $name (sort(keys(%filters))) {
    my ($directives, $kind) = @{ $filters{$name} };
    my $s = $t->park($name, path => "/$name", query => 'closeafter=state',
        headers => { 'Accept-Encoding' => 'gzip' });

    is($s->status(), 200, "$name: parked");
    ok($t->wait_for(sub { $t->status()->{devices}{$kind} == 1 }, $kind),
        "$name: $kind");
    $t->subscribed($name);
    $t->redis()->publish($name, $event);
    ok($s->ended(), "$name: an event and the end");

    my $body = $s->{body};

    like($s->header('Content-Encoding'), qr/^gzip$/, "$name: compressed")
        if $name eq 'gzip';

    if ($name eq 'sub') {
        like($body, qr/"mailbox":"Inbox"/, "$name: changed");

    } else {
        like($body, qr/"mailbox":"INBOX"/, "$name: unchanged");
    }

    $s->close();
    $t->wait_for(sub { $t->status()->{parked} == 0 }, 'its end');
}
