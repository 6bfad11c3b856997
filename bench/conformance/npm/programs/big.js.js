import { Big } from 'big.js'

export default () => [
  new Big('0.1').plus('0.2').toString(),
  new Big(1).div(3).toFixed(12),
  new Big('1e21').times(7).toFixed(),
  new Big(2).sqrt().round(10, Big.roundHalfEven).toString(),
  new Big('-0').toString(),
  JSON.stringify({ price: new Big('9.90') }),
]
