#!/usr/bin/perl

# Roundcube with its plugin polls seldom while its page is parked, and as
# before while the server of events is away.  Its tickets come from a location
# with the user's password here.  Without a ticket the page polls.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Browser;
use Pimap::Dovecot;
use Pimap::Roundcube;

# Roundcube's server stays, the server of events goes and comes.

my $events = Pimap->new();
my $users = $events->dir() . '/users';
my $t = Pimap->new(redis => $events->redis());
my $port = $events->port('http');
my $roundcube = Pimap::Roundcube->new(t => $t, config => {
    refresh_interval => 1, pimap_poll => 600,
    pimap_ticket_url => "http://127.0.0.1:$port/ticket" });

$events->nginx()->{locations} .= <<"END";
        location = /pimap/events {
            pimap_login ticket;
            pimap_retry 1s;
            pimap_events;
        }

        location = /ticket {
            auth_basic mail;
            auth_basic_user_file $users;
            pimap_ticket;
        }
END

$t->nginx()->{locations} .= $roundcube->locations() . <<"END";
        location /pimap/ {
            proxy_pass http://127.0.0.1:$port;
            proxy_http_version 1.1;
            proxy_buffering off;
        }
END

$t->write_file($users, "alice:{PLAIN}secret\n");
$t->plan(17);
$events->run();
$t->nginx()->start();

my $dovecot = Pimap::Dovecot->new(t => $t,
    url => "http://127.0.0.1:$port/publish")->start();
my $browser = Pimap::Browser->start(t => $t);

$roundcube->start();
ok($roundcube->login($browser, 'alice'), 'alice logs in');
unlike($browser->eval('document.documentElement.outerHTML'), qr/secret/,
    'the page does not have the password');

# Parked

ok(parked(), 'the page is parked, by a ticket for the password');
ok(rests(), '    it does not poll');
$dovecot->deliver(to => 'alice', subject => 'pushed');
ok($roundcube->shows($browser, 'pushed'), '    a delivery is shown');

# The server of events is away

$events->nginx()->stop();
ok($browser->wait('rcmail.env.refresh_interval === 1'),
    'the server of events is away: the page polls');
ok(polls(), '    as often as without the plugin');
$dovecot->deliver(to => 'alice', subject => 'polled');
ok($roundcube->shows($browser, 'polled,pushed'), '    a delivery is shown');

$events->nginx()->start();
ok(parked(), 'the server of events is back: the page is parked');
ok(rests(), '    it does not poll');
$dovecot->deliver(to => 'alice', subject => 'again');
ok($roundcube->shows($browser, 'again,polled,pushed'),
    '    a delivery is shown');

# No ticket

$t->write_file($users, "alice:{PLAIN}other\n");
$browser->open('http://127.0.0.1:' . $t->port('http') . '/?_task=mail');
ok($roundcube->ready($browser), 'another password: the page is loaded');
ok($t->wait_for(sub { $roundcube->errors() =~ m{/ticket answers 401} },
    'the error'), '    Roundcube logs that it gets no ticket');
ok(polls(), '    the page polls');
is($browser->eval('rcmail.env.refresh_interval'), 1,
    '    as often as without the plugin');
$dovecot->deliver(to => 'alice', subject => 'last');
ok($roundcube->shows($browser, 'last,again,polled,pushed'),
    '    a delivery is shown');
unlike($roundcube->errors(), qr/secret/, 'no password in the log');


sub parked {
    return $browser->wait('rcmail.env.refresh_interval === 600')
        && $events->wait_for(sub { $events->redis()->numsub('alice') },
            'a subscription');
}


# Two polls come, or none in the time of three.

sub polls {
    my $n = $roundcube->requests('refresh');

    return $t->wait_for(sub { $roundcube->requests('refresh') >= $n + 2 },
        'two polls');
}


sub rests {
    my ($n, $since) = (-1, time());

    return $t->wait_for(sub {
        my $now = $roundcube->requests('refresh');

        ($n, $since) = ($now, time()) if $now != $n;

        return $n > 0 && time() - $since > 3;
    }, 'an end of the polls');
}
