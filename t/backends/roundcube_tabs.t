#!/usr/bin/perl

# Pages of Roundcube with its plugin don't disturb each other or their user: a
# page that is busy, or whose session has ended, keeps no other one from its
# events, and nothing is polled more often than the user wants.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Browser;
use Pimap::Dovecot;
use Pimap::Roundcube;

my $t = Pimap->new();
my $url = 'http://127.0.0.1:' . $t->port('http') . '/';
my $roundcube = Pimap::Roundcube->new(t => $t, config => {
    refresh_interval => 3600, pimap_poll => 1800 });

$t->nginx()->{locations} .= $roundcube->locations() . $roundcube->events();

$t->plan(18);
$t->run();

my $dovecot = Pimap::Dovecot->new(t => $t,
    url => "${url}publish")->start();

$roundcube->start();

my $a = Pimap::Browser->start(t => $t);

ok($roundcube->login($a, 'alice'), 'alice logs in, and polls once an hour');
deliver('first');
ok($roundcube->shows($a, 'first'), 'a delivery is shown');
is($a->eval('rcmail.env.refresh_interval'), 3600,
    '    the page does not poll more often than without the plugin');

my $b = $a->tab();

$b->open("$url?_task=mail");
ok($roundcube->ready($b) && $roundcube->shows($b, 'first'), 'a second tab');
ok($b->wait('performance.getEntriesByType("resource").some('
    . '({ name }) => name.endsWith("/pimap-client.js"))'),
    '    with the client');

# The first tab is hidden, so its timers take up to a second.  It stays busy:
# the answer to a refresh of before would end that.

ok($a->wait('jQuery.active === 0 && !!Object.defineProperty(rcmail, "busy",'
    . ' { configurable: true, get: () => true, set: () => {} })'),
    'the first tab is at something else');

for my $subject (qw(two three four five six)) {
    deliver($subject);
    ok(first($subject), "a tab is busy: the other one shows $subject");
}

is($a->eval($roundcube->subjects()), 'first', '    the busy one does not');
$a->eval('delete rcmail.busy, rcmail.set_busy(false), 1');
ok($a->wait($roundcube->subjects() . '.startsWith("six,")'),
    '    until it is idle');

# The first tab has the connection.  Its session ends, the second one has a new
# session.  The connection is lost, until the first tab asks for a ticket.

$b->open("$url?_task=logout&_token=" . $b->eval('rcmail.env.request_token'));
ok($b->wait('window.rcmail?.task === "login"'), 'a tab logs out');
ok($roundcube->login($b, 'alice'), '    and in again');
$a->eval('window.asked = 0, window.fetch = (fetch => (...request) =>'
    . ' (asked++, fetch(...request)))(fetch), 1');
$t->nginx()->stop();
ok($a->wait('asked > 0'), 'the connection is lost');
$t->nginx()->start();
$t->wait_ready();
deliver('seven');
ok(first('seven'), '    the tab with a session shows a delivery');

# While events come, the pause between two refreshes grows from half a second
# to five.  Roundcube has refreshes of its own between them.

my $longest = 'Math.max(0, ...performance.getEntriesByType("resource").filter('
    . '({ name }) => name.includes("_action=refresh")).map('
    . '({ startTime, responseEnd }, i, all) => i'
    . ' ? startTime - all[i - 1].responseEnd : 0))';

$b->eval('performance.clearResourceTimings()');
ok($t->wait_for(sub {
    $t->redis()->publish('alice', { event => 'FlagsSet',
        mailbox => 'INBOX' }) for 1 .. 10;

    return $b->eval($longest) > 1500;
}, 'a pause'), 'events come again and again: refreshes have longer pauses');


sub deliver {
    my ($subject) = @_;
    $dovecot->deliver(to => 'alice', subject => $subject);
}


# Whether it is the first mail in the second tab

sub first {
    my ($subject) = @_;
    return $b->wait($roundcube->subjects() . ".startsWith('$subject,')");
}
