#!/usr/bin/perl

# nginx, the bridge and a Redis Cluster with TLS and users: a device logs in by
# the bridge, parks, and gets its mail; and what it sends comes back as a
# result.  The user of the bridge has the rights of bridge.md only.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;
use Pimap::Page;
use Pimap::RedisCluster;

my $t = Pimap->new(workers => 2);
my ($rights) = map { $_->{text} =~ /^user pimap-bridge on \S+ (.*)/m }
    Pimap::Page->new($t->root(), 'docs/bridge.md')->blocks('redis');

my $cluster = Pimap::RedisCluster->new(t => $t, tls => 1, replicas => 0,
    password => 'for-nginx',
    users => ["bridge on >for-bridges $rights"]);

my ($cert) = $t->certificate();
my $seeds = $cluster->address(2) =~ s{.*//}{}r;

my $bridge = Pimap::Bridge->new(t => $t,
    redis => "address = \"clusters://bridge:for-bridges\@$seeds\"; "
        . "ca_file = \"$cert\"; timeout = \"2s\";");

$t->nginx()->{http} = "pimap_redis clusters://:for-nginx\@$seeds "
    . "ca=$cert timeout=2s probe=500ms; pimap_presence on;";
$t->nginx()->{locations} .= $bridge->auth_location() . <<"END";
        location = /mine {
@{[ $bridge->login() ]}
            pimap_events;
        }

        location = /mine/update {
@{[ $bridge->login() ]}
            pimap_update;
        }
END

$t->{redis} = $cluster;
$t->plan(15);
$cluster->start();
$t->nginx()->start();
ok($t->wait_ready(), 'nginx is ready');

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none',
    main => 'auth_failure_delay = 0')->start();

$bridge->start();
ok($t->wait_for(sub { $bridge->metric('redis_up') == 1 }),
    'the bridge is connected to all masters');

sub get {
    my ($path, $account, $password, %more) = @_;

    return $t->request($more{body} ? 'POST' : 'GET', $path, %more,
        headers => { Prefer => 'wait=20',
            $bridge->basic($account, $password) });
}

is(get('/mine', 'u0', 'wrong')->status(), 401, 'a wrong password: 401');

# An account of each master

my @accounts = map { $cluster->accounts_of($_, 1) } $cluster->masters();

for my $account (@accounts) {
    my $s = get('/mine?device=phone', $account, 'secret');

    ok($s->read_until(qr/^event: parked\n.*\n\n/m),
        "$account: a device parks");
    ok($bridge->{n}++ < 3 && $bridge->watches($bridge->{n}),
        '    and the bridge watches it');
    $dovecot->deliver(to => $account, subject => "for $account");
    is(subject($s), "for $account", '    and gets its mail');
}

my $update = $t->json({ id => 'x1', update => 'mailbox', action => 'create',
    mailbox => 'Box' });
my $s = get('/mine/update?device=phone', $accounts[1], 'secret',
    body => $update, close => 1);

like($s->body(), qr/"update":"x1","status":"done"/,
    'an update has its result') or diag($s->status());
like($dovecot->imap($accounts[1])->command('LIST "" *'), qr/\bBox\b/,
    '    and is done');

is(scalar(() = ($t->log() . $bridge->log()) =~ /for-nginx|for-bridges/g), 0,
    'no log has a password');


# The subject of the next mail.

sub subject {
    my ($stream) = @_;

    while (my $event = $stream->event(40)) {
        return $event->{json}{subject} if $event->{event} eq 'MessageNew';
    }
}
