#!/usr/bin/perl

# The list of Roundcube with its plugin stays where its user is while mail
# comes and goes: what is seen, and the row that the keyboard is at.

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
my $roundcube = Pimap::Roundcube->new(t => $t);

$t->nginx()->{locations} .= $roundcube->locations() . $roundcube->events();

$t->plan(13);
$t->run();

my $dovecot = Pimap::Dovecot->new(t => $t,
    url => 'http://127.0.0.1:' . $t->port('http') . '/publish')->start();

$dovecot->deliver(to => 'alice', subject => 'mail 1');

my $imap = $dovecot->imap();

append("mail $_") for 2 .. 60;
$imap->command('SELECT INBOX');
$roundcube->start();

my $browser = Pimap::Browser->start(t => $t);

$browser->size(1400, 600);
ok($roundcube->login($browser, 'alice'), 'alice logs in');
ok($browser->wait('rcmail.env.refresh_interval === 1800'),
    '    and is parked');
ok($browser->wait('rcmail.message_list.rowcount === 50'), '    with a list');

# At its top, new mail is seen

append('seen');
ok(first('seen'), 'a delivery');
is(value('frame.scrollTop'), 0, '    it is seen at the top of the list');

# The user has scrolled down, and has chosen the message with the UID 20

$browser->eval('(({ frame, rows }) => { rows[20].obj.scrollIntoView({ block:'
    . ' "center" }) })(rcmail.message_list)');
$browser->eval('rcmail.message_list.focus(),'
    . ' rcmail.message_list.select(20), 1');
ok($browser->wait('!rcmail.busy'), 'the user is at another message');

my $place = place();

append('unseen');
ok(first('unseen'), 'a delivery');
cmp_ok(abs(place() - $place), '<', 2, '    the list stays where it is');
is(value('get_selection().join()'), 20, '    with its selection');

# The keyboard goes on from there.

$browser->key('ArrowDown', 40);
ok($browser->wait('rcmail.message_list.get_selection().join() === "19"'),
    'an arrow: the message below is selected');

# Its own deletion draws the list anew, too.

my $n = $roundcube->requests('refresh');

# (Roundcube takes no key while it loads the message that was chosen.)

ok($t->wait_for(sub {
    $browser->key('Delete', 46) if $browser->eval('!rcmail.busy'
        . ' && rcmail.message_list.get_selection().join() === "19"');

    return $roundcube->requests('refresh') > $n
        && $browser->eval('!rcmail.message_list.rows[19] && !rcmail.busy');
}, 'a refresh'), 'the user deletes a message');
$browser->key('ArrowDown', 40);
ok($browser->wait('rcmail.message_list.get_selection().join() === "17"'),
    '    an arrow: it goes on from the next one');

$imap->logout();
is($roundcube->errors(), '', 'no errors of PHP');


sub append {
    my ($subject) = @_;
    $imap->append('INBOX', "From: bob\@example.net\r\nSubject: $subject\r\n"
        . "\r\ntext\r\n");
}


# The first subject of the list

sub first {
    my ($subject) = @_;
    return $browser->wait('document.querySelector("#messagelist tbody'
        . " .subject a\")?.textContent.trim() === '$subject'");
}


sub value {
    my ($expression) = @_;
    return $browser->eval("rcmail.message_list.$expression");
}


# Where the chosen message is on the screen

sub place {
    return $browser->eval('rcmail.message_list.rows[20].obj'
        . '.getBoundingClientRect().top');
}
