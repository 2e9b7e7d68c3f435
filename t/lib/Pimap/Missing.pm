package Pimap::Missing;

# What stands for an event that has not come: it is false, each member of it
# is missing, too, and it equals no string and no number.  So a test of it
# fails, and the file goes on.
#
#     is($s->event()->{json}{uid}, 5, 'an event');     # got: '-'
#     my $event = $s->event() || return 'none';        # it is defined

use strict;
use warnings;

use overload
    'bool' => sub { 0 },
    '""'   => sub { '-' },
    '0+'   => sub { 9 ** 9 ** 9 / 9 ** 9 ** 9 },        # not a number
    '%{}'  => sub { tie(my %members, 'Pimap::Missing::Members'); \%members },
    '@{}'  => sub { [] },
    fallback => 1;


sub new { return bless(\my $nothing, $_[0]) }


package Pimap::Missing::Members;

sub TIEHASH  { return bless(\my $nothing, $_[0]) }
sub FETCH    { return Pimap::Missing->new() }
sub STORE    { }
sub DELETE   { }
sub EXISTS   { return 0 }
sub FIRSTKEY { return }
sub NEXTKEY  { return }
sub SCALAR   { return 0 }


1;
